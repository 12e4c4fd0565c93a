-- Let a job that has ended and its session expire now, instead of at the end of their retention.
--
-- KEYS[1] prefix
-- ARGV: 1 key id, 2 job id, 3 session id
-- Returns 1, or 0 when the job is another key's, unknown, or has not ended
--
-- Invariant: only what a sweeper would delete some day is brought forward; money and ledgers are not touched.

local key = P .. 'job:' .. ARGV[2]
local job = redis.call('HMGET', key, 'key', 'status')
if job[1] ~= ARGV[1] or not job[2] or is_live(job[2]) then
  return 0
end
local now = int(now_ms())
redis.call('ZADD', P .. 'expiring:jobs', now, ARGV[1] .. '/' .. ARGV[2])
redis.call('DEL', key, P .. 'work:' .. ARGV[2])
-- Nobody can order from it any more, so its photo need not outlive it.
if redis.call('HGET', P .. 'session:' .. ARGV[3], 'key') == ARGV[1] then
  for _, view in ipairs(redis.call('ZRANGE', P .. 'views:' .. ARGV[3], 0, -1)) do
    redis.call('DEL', P .. 'view:' .. view)
  end
  redis.call('DEL', P .. 'session:' .. ARGV[3], P .. 'views:' .. ARGV[3])
  redis.call('ZADD', P .. 'expiring:sessions', 'XX', 0, ARGV[3])
end
return 1
