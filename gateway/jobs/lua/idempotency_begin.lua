-- Take the slot of an Idempotency-Key, or read what the first request answered.
--
-- KEYS[1] prefix
-- ARGV: 1 key id, 2 digest of the Idempotency-Key, 3 fingerprint of the request, 4 token, 5 ms the work may take
-- Returns {'begun'} | {'answer', status, body} | {'in_progress'} | {'mismatch'}
--
-- Invariant: one token at a time holds the slot; the holder's later writes are fenced by it. An answer that is given here
-- is marked as seen, so that `void` leaves its work alone.

local slot = P .. 'idem:' .. ARGV[1] .. ':' .. ARGV[2]
local held = redis.call('HMGET', slot, 'state', 'fingerprint', 'token', 'status', 'body')
if not held[1] then
  redis.call('HSET', slot, 'state', 'running', 'fingerprint', ARGV[3], 'token', ARGV[4])
  redis.call('PEXPIRE', slot, ARGV[5])
  return { 'begun' }
end
if held[2] ~= ARGV[3] then
  return { 'mismatch' }
end
if held[1] == 'done' then
  redis.call('HSET', slot, 'seen', '1')
  return { 'answer', held[4], held[5] }
end
if held[3] == ARGV[4] then
  return { 'begun' }
end
return { 'in_progress' }
