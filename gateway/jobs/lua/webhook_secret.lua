-- Read, make or rotate the secrets that sign an account's webhooks.
--
-- KEYS[1] prefix
-- ARGV: 1 account id, 2 a new secret, 3 rotate (0, 1), 4 ms that the one before stays valid after a rotation
-- Returns the secrets that are valid now, newest first
--
-- Invariant: once made, an account always has exactly one current secret, the same for every process.

local key = P .. 'webhook-secret:' .. ARGV[1]
local now = now_ms()
local held = redis.call('HMGET', key, 'current', 'before', 'before_until')
if not held[1] then
  redis.call('HSET', key, 'current', ARGV[2])
  return { ARGV[2] }
end
if ARGV[3] == '1' then
  redis.call('HSET', key, 'current', ARGV[2], 'before', held[1], 'before_until', int(now + tonumber(ARGV[4])))
  return { ARGV[2], held[1] }
end
if held[2] and tonumber(held[3]) > now then
  return { held[1], held[2] }
end
return { held[1] }
