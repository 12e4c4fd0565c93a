-- Write a further photo of a session and charge for it, both or neither, and keep the idempotent answer.
--
-- KEYS[1] prefix
-- ARGV: 1 view id, 2 key id, 3 account id, 4 price, 5 session id, 6 document (JSON), 7 most views of a session,
--       8 idempotency digest ('' for none), 9 token, 10 status, 11 body, 12 ttl ms
-- Returns {'opened'} | {'void'} | {'no_session'} | {'many_views'} | {'slot_lost'} | {'no_account'} | {'frozen'}
--       | {'insufficient', balance}
--
-- Invariant: exactly when it answers 'opened' the view was written and charged once, however often it is repeated. A view
-- that can be read is in `views:<session>`, which has at most ARGV[7] and goes with its session.

local id, key_id, account, price, session_id = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local key = P .. 'view:' .. id
local views = P .. 'views:' .. session_id
if redis.call('EXISTS', P .. 'void:' .. id) == 1 then
  return { 'void' }
end
if redis.call('EXISTS', key) == 1 then
  return { 'opened' }
end
local session = redis.call('HMGET', P .. 'session:' .. session_id, 'key', 'expires')
if session[1] ~= key_id then
  return { 'no_session' }
end
if redis.call('ZCARD', views) >= tonumber(ARGV[7]) then
  return { 'many_views' }
end
if not holds_slot(key_id, ARGV[8], ARGV[9]) then
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
redis.call('HSET', key, 'key', key_id, 'account', account, 'price', int(price), 'session', session_id,
  'document', ARGV[6])
redis.call('PEXPIREAT', key, session[2])
redis.call('ZADD', views, redis.call('HINCRBY', P .. 'session:' .. session_id, 'views', 1), id)
redis.call('PEXPIREAT', views, session[2])
if price > 0 then
  post(account, 'charge', -price, id, 'view')
end
keep_answer(key_id, ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12])
return { 'opened' }
