-- Write how a try to deliver a webhook ended.
--
-- KEYS[1] prefix
-- ARGV: 1 message id, 2 tries that this try makes, 3 ms until the next try ('' when there is none), 4 disable (0, 1)
-- Returns 1, or 0 when another worker has settled this try
--
-- Invariant: a try is counted once; a message without a next try is forgotten; a disabled URL gets no more messages of
-- this account.

local key = P .. 'hook:' .. ARGV[1]
local hook = redis.call('HMGET', key, 'tries', 'account', 'url', 'schedule')
if not hook[1] or tonumber(hook[1]) ~= tonumber(ARGV[2]) - 1 then
  return 0
end
local schedule = P .. (hook[4] or 'hooks')
if ARGV[4] == '1' then
  redis.call('SADD', P .. 'hooks-off:' .. hook[2], hook[3])
end
if ARGV[3] == '' then
  redis.call('DEL', key)
  redis.call('ZREM', schedule, ARGV[1])
else
  redis.call('HSET', key, 'tries', ARGV[2])
  redis.call('ZADD', schedule, int(now_ms() + tonumber(ARGV[3])), ARGV[1])
end
return 1
