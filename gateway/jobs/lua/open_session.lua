-- Write a session and charge for it, both or neither, and keep the idempotent answer.
--
-- KEYS[1] prefix
-- ARGV: 1 to 9 as every script that charges (prelude), 1 being the session id; 10 document (JSON), 11 ttl ms
-- Returns {'opened', created ms, expires ms} | {'void'} | a refusal (prelude)
--
-- Invariant: exactly when it answers 'opened' the session exists and was charged once, however often it is repeated.

local id, price = ARGV[1], tonumber(ARGV[4])
local key = P .. 'session:' .. id
if is_void() then
  return { 'void' }
end
local there = redis.call('HMGET', key, 'created', 'expires')
if there[1] then
  return { 'opened', there[1], there[2] }
end
local refused = refusal(price)
if refused then
  return refused
end
local now = now_ms()
local expires = now + tonumber(ARGV[11])
redis.call('HSET', key, 'key', ARGV[2], 'account', ARGV[3], 'price', int(price), 'document', ARGV[10],
  'created', int(now), 'expires', int(expires))
redis.call('PEXPIREAT', key, int(expires))
redis.call('ZADD', P .. 'expiring:sessions', int(expires), id)
charge(price, 'init')
keep_answer(ARGV[2], ARGV[5], ARGV[7], ARGV[8], ARGV[9])
return { 'opened', int(now), int(expires) }
