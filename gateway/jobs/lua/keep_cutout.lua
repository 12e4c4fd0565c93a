-- Write a cutout of a session and charge for it, both or neither, and keep the idempotent answer.
--
-- KEYS[1] prefix
-- ARGV: 1 to 9 as every script that charges (prelude), 1 being the cutout id; 10 session id, 11 document (JSON)
-- Returns {'opened'} | {'no_session'} | {'void'} | a refusal (prelude)
--
-- Invariant: exactly when it answers 'opened' the cutout exists and was charged once, however often it is repeated.

local key, price, session_id = P .. 'cutout:' .. ARGV[1], tonumber(ARGV[4]), ARGV[10]
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
local refused = refusal(price)
if refused then
  return refused
end
redis.call('HSET', key, 'key', ARGV[2], 'account', ARGV[3], 'price', int(price), 'session', session_id,
  'document', ARGV[11])
redis.call('PEXPIREAT', key, session_end)
charge(price, 'cutout')
keep_answer(ARGV[2], ARGV[5], ARGV[7], ARGV[8], ARGV[9])
return { 'opened' }
