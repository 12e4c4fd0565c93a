-- Make an API key worthless, at once.
--
-- KEYS[1] prefix
-- ARGV: 1 key id
-- Returns the key's hash, empty for an unknown key
--
-- Invariant: a revoked key cannot be found by its secret; it stays in its account's list with the time of its end.

local key = P .. 'key:' .. ARGV[1]
local held = redis.call('HMGET', key, 'secret', 'revoked')
if held[1] and held[2] == '0' then
  redis.call('DEL', P .. 'secret:' .. held[1])
  redis.call('HSET', key, 'revoked', int(now_ms()))
end
return redis.call('HGETALL', key)
