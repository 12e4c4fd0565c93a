-- Complete a job.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token
-- Returns 1, or 0 when the attempt has lost the job
--
-- Invariant: only the valid token completes a job, once, and only when every stage is recorded as finished; a repeat by
-- the same attempt answers 1 and changes nothing. The price stays charged.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'token', 'status', 'ended_by')
if job[2] == 'completed' and job[3] == ARGV[2] then
  return 1
end
if job[1] ~= ARGV[2] or not job[2] or not is_live(job[2]) then
  return 0
end
local fields = redis.call('HGETALL', key)
for index = 1, #fields, 2 do
  if string.sub(fields[index], 1, 6) == 'stage:' and not string.find(fields[index + 1], '^done,')
    and not string.find(fields[index + 1], '^reused,') then
    return redis.error_reply('ERR job ' .. ARGV[1] .. ' has an unfinished stage: ' .. fields[index])
  end
end
terminate(ARGV[1], 'completed', ARGV[2], nil)
return 1
