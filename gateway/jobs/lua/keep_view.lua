-- Write a further photo of a session and charge for it, both or neither, and keep the idempotent answer.
--
-- KEYS[1] prefix
-- ARGV: 1 to 9 as every script that charges (prelude), 1 being the view id; 10 session id, 11 document (JSON), 12 most views
--       of a session, 13 1 for a film of the thing turning, else 0
-- Returns {'opened'} | {'no_session'} | {'many_views'} | {'two_films'} | {'void'} | a refusal (prelude)
--
-- Invariant: exactly when it answers 'opened' the view was written and charged once, however often it is repeated. A view
-- that can be read is in `views:<session>`, which has at most ARGV[12] and goes with its session. At most one of them is a
-- film: the session's field `film` names it, for as long as there is such a view.

local id, price, session_id = ARGV[1], tonumber(ARGV[4]), ARGV[10]
local key, views = P .. 'view:' .. id, P .. 'views:' .. session_id
if is_void() then
  return { 'void' }
end
if redis.call('EXISTS', key) == 1 then
  return { 'opened' }
end
local session_end = end_of_session(session_id)
if not session_end then
  return { 'no_session' }
end
if redis.call('ZCARD', views) >= tonumber(ARGV[12]) then
  return { 'many_views' }
end
local session = P .. 'session:' .. session_id
if ARGV[13] == '1' then
  local other = redis.call('HGET', session, 'film')
  if other and redis.call('EXISTS', P .. 'view:' .. other) == 1 then
    return { 'two_films' }
  end
end
local refused = refusal(price)
if refused then
  return refused
end
redis.call('HSET', key, 'key', ARGV[2], 'account', ARGV[3], 'price', int(price), 'session', session_id,
  'document', ARGV[11])
redis.call('PEXPIREAT', key, session_end)
redis.call('ZADD', views, redis.call('HINCRBY', session, 'views', 1), id)
redis.call('PEXPIREAT', views, session_end)
if ARGV[13] == '1' then
  redis.call('HSET', session, 'film', id)
end
charge(price, ARGV[13] == '1' and 'turn' or 'view')
keep_answer(ARGV[2], ARGV[5], ARGV[7], ARGV[8], ARGV[9])
return { 'opened' }
