-- Forget a batch that has ended, and every film of it, at its owner's word.
--
-- KEYS[1] prefix
-- ARGV: 1 batch id, 2 key id
-- Returns 'deleted' | 'live' | 'none'
--
-- Invariant: its films are forgotten as by delete.lua; a batch of which a film lives stays whole. What was paid stays in
-- the ledger.

local key = P .. 'batch:' .. ARGV[1]
if redis.call('HGET', key, 'key') ~= ARGV[2] then
  return 'none'
end
local jobs = redis.call('LRANGE', P .. 'batch-jobs:' .. ARGV[1], 0, -1)
for _, job_id in ipairs(jobs) do
  if is_live(redis.call('HGET', P .. 'job:' .. job_id, 'status') or '') then
    return 'live'
  end
end
for _, job_id in ipairs(jobs) do
  if redis.call('HGET', P .. 'job:' .. job_id, 'key') == ARGV[2] then
    forget(job_id, ARGV[2])
  end
end
redis.call('ZREM', P .. 'batches:' .. ARGV[2], ARGV[1])
redis.call('DEL', key, P .. 'batch-jobs:' .. ARGV[1])
return 'deleted'
