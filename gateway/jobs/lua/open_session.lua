-- Write a session and charge for it, both or neither, and keep the idempotent answer.
--
-- KEYS[1] prefix
-- ARGV: 1 session id, 2 key id, 3 account id, 4 price, 5 document (JSON), 6 ttl ms,
--       7 idempotency digest ('' for none), 8 token, 9 status, 10 body, 11 ttl ms
-- Returns {'opened', created ms, expires ms} | {'void'} | {'slot_lost'} | {'no_account'} | {'frozen'}
--       | {'insufficient', balance}
--
-- Invariant: exactly when it answers 'opened' the session exists and was charged once, however often it is repeated.

local id, key_id, account, price = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = P .. 'session:' .. id
if redis.call('EXISTS', P .. 'void:' .. id) == 1 then
  return { 'void' }
end
local there = redis.call('HMGET', key, 'created', 'expires')
if there[1] then
  return { 'opened', there[1], there[2] }
end
if not holds_slot(key_id, ARGV[7], ARGV[8]) then
  return { 'slot_lost' }
end
local payer = redis.call('HMGET', P .. 'account:' .. account, 'balance', 'frozen')
if not payer[1] then
  return { 'no_account' }
end
if payer[2] == '1' then
  return { 'frozen' }
end
if tonumber(payer[1]) < price then
  return { 'insufficient', payer[1] }
end
local now = now_ms()
local expires = now + tonumber(ARGV[6])
redis.call('HSET', key, 'key', key_id, 'account', account, 'price', int(price), 'document', ARGV[5],
  'created', int(now), 'expires', int(expires))
redis.call('PEXPIREAT', key, int(expires))
redis.call('ZADD', P .. 'expiring:sessions', int(expires), id)
if price > 0 then
  post(account, 'charge', -price, id, 'init')
end
keep_answer(key_id, ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11])
return { 'opened', int(now), int(expires) }
