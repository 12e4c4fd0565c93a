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
  local status = redis.call('HGET', P .. 'job:' .. id, 'status')
  if status and is_live(status) then
    terminate(id, 'canceled', '', nil)
    return 'undone'
  end
  return 'absent'
end
if kind == 'batch' then
  local undone = 'absent'
  for _, job_id in ipairs(redis.call('LRANGE', P .. 'batch-jobs:' .. id, 0, -1)) do
    if is_live(redis.call('HGET', P .. 'job:' .. job_id, 'status') or '') then
      terminate(job_id, 'canceled', '', nil)
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
