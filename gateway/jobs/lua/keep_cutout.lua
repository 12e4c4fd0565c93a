-- Write a cutout of a session and charge for it, both or neither, and keep the idempotent answer.
--
-- KEYS[1] prefix
-- ARGV: 1 cutout id, 2 key id, 3 account id, 4 price, 5 session id, 6 document (JSON),
--       7 idempotency digest ('' for none), 8 token, 9 status, 10 body, 11 ttl ms
-- Returns {'opened'} | {'void'} | {'no_session'} | {'slot_lost'} | {'no_account'} | {'frozen'} | {'insufficient', balance}
--
-- Invariant: exactly when it answers 'opened' the cutout exists and was charged once, however often it is repeated.

local id, key_id, account, price = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = P .. 'cutout:' .. id
if redis.call('EXISTS', P .. 'void:' .. id) == 1 then
  return { 'void' }
end
if redis.call('EXISTS', key) == 1 then
  return { 'opened' }
end
local session = redis.call('HMGET', P .. 'session:' .. ARGV[5], 'key', 'expires')
if session[1] ~= key_id then
  return { 'no_session' }
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
redis.call('HSET', key, 'key', key_id, 'account', account, 'price', int(price), 'session', ARGV[5],
  'document', ARGV[6])
redis.call('PEXPIREAT', key, session[2])
if price > 0 then
  post(account, 'charge', -price, id, 'cutout')
end
keep_answer(key_id, ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11])
return { 'opened' }
