-- Take back a submit, a batch, a session, a cutout or a view that its caller could not confirm, whether or not it was
-- applied.
--
-- KEYS[1] prefix
-- ARGV: 1 kind (job, batch, session, cutout, view), 2 id, 3 key id, 4 idempotency digest ('' for none), 5 token,
--       6 how long ms
-- Returns 'kept' (a replay has told the client of it since) | 'undone' | 'absent'
--
-- Invariant: after it, the id is not charged for and never will be (a command that is still under way is refused by the
-- void mark), unless the client has learnt by a replay of its Idempotency-Key that the work was accepted.

local kind, id, key_id, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- Whether there was a charge to give back: a live job ends by it. One that has completed meanwhile stays, for nothing.
local function undo(job_id)
  local key = P .. 'job:' .. job_id
  local job = redis.call('HMGET', key, 'status', 'refunded', 'account', 'price')
  if job[1] and is_live(job[1]) then
    terminate(job_id, 'canceled', '', nil)
    return true
  end
  if job[1] ~= 'completed' or job[2] ~= '0' or tonumber(job[4]) == 0 then
    return false
  end
  redis.call('HSET', key, 'refunded', job[4], 'voided', '1')
  post(job[3], 'refund', tonumber(job[4]), job_id, 'job not confirmed')
  announce(job_id)
  return true
end

local slot = P .. 'idem:' .. key_id .. ':' .. digest
if digest ~= '' then
  local held = redis.call('HMGET', slot, 'token', 'seen')
  if held[1] == ARGV[5] then
    if held[2] == '1' then
      return 'kept'
    end
    redis.call('DEL', slot)
  end
end
redis.call('SET', P .. 'void:' .. id, '1', 'PX', ARGV[6])
if kind == 'job' then
  return undo(id) and 'undone' or 'absent'
end
if kind == 'batch' then
  local undone = 'absent'
  for _, job_id in ipairs(redis.call('LRANGE', P .. 'batch-jobs:' .. id, 0, -1)) do
    if undo(job_id) then
      undone = 'undone'
    end
  end
  return undone
end
local record = redis.call('HMGET', P .. kind .. ':' .. id, 'account', 'price', 'session')
if record[1] then
  post(record[1], 'refund', tonumber(record[2]), id, kind .. ' not confirmed')
  redis.call('DEL', P .. kind .. ':' .. id)
  if kind == 'view' then
    redis.call('ZREM', P .. 'views:' .. record[3], id)
  end
  return 'undone'
end
return 'absent'
