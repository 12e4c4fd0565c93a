-- Cancel every film of a batch that has not ended, and give their prices back.
--
-- KEYS[1] prefix
-- ARGV: 1 batch id, 2 key id
-- Returns {'none'} | {'ended'} | {'canceled', job id, job id, ...} those that were canceled now
--
-- Invariant: each film is canceled and refunded as by cancel.lua; one that has ended is not touched. Repeating it changes
-- nothing.

local key = P .. 'batch:' .. ARGV[1]
local batch = redis.call('HMGET', key, 'key', 'ended')
if batch[1] ~= ARGV[2] then
  return { 'none' }
end
if batch[2] ~= '0' then
  return { 'ended' }
end
redis.call('HSET', key, 'stopped', int(now_ms()))
local canceled = { 'canceled' }
for _, job_id in ipairs(redis.call('LRANGE', P .. 'batch-jobs:' .. ARGV[1], 0, -1)) do
  if is_live(redis.call('HGET', P .. 'job:' .. job_id, 'status') or '') then
    terminate(job_id, 'canceled', '', nil)
    canceled[#canceled + 1] = job_id
  end
end
return canceled
