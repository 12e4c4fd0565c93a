-- Bring jobs that a release before this one has accepted into the queues of their accounts.
--
-- KEYS[1] prefix
-- ARGV: 1 how many entries at most
-- Returns how many entries of the stream were looked at
--
-- Invariant: after the whole stream was looked at, each live job waits in its account's queue or has a lease. Nothing is
-- claimed, charged or moved in the stream, which such a release goes on reading: the job's token and lease decide
-- between its workers and ours.

local last = redis.call('GET', P .. 'adopted')
local entries = redis.call('XRANGE', P .. 'queue', last and ('(' .. last) or '-', '+', 'COUNT', ARGV[1])
for _, entry in ipairs(entries) do
  local job_id = entry[2][2]
  local job = redis.call('HMGET', P .. 'job:' .. job_id, 'status', 'account', 'sequence', 'lease')
  if job[1] and is_live(job[1]) and not redis.call('ZSCORE', P .. 'leases', job_id)
    and not redis.call('ZSCORE', P .. 'queue:' .. job[2], job_id) then
    if job[1] == 'queued' then
      enter_queue(job[2], job_id, job[3])
    else
      redis.call('ZADD', P .. 'leases', job[4], job_id)
    end
  end
  redis.call('SET', P .. 'adopted', entry[1])
end
return #entries
