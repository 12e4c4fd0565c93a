-- Keep an answer under a slot, or free the slot.
--
-- KEYS[1] prefix
-- ARGV: 1 key id, 2 digest, 3 token, 4 status ('' frees the slot), 5 body, 6 ttl ms
-- Returns 1, or 0 when the slot was lost
--
-- Invariant: only the holder of a running slot ends it; an answer that was kept never changes.

local slot = P .. 'idem:' .. ARGV[1] .. ':' .. ARGV[2]
local held = redis.call('HMGET', slot, 'token', 'state')
if held[1] ~= ARGV[3] or held[2] ~= 'running' then
  return 0
end
if ARGV[4] == '' then
  redis.call('DEL', slot)
else
  keep_answer(ARGV[1], ARGV[2], ARGV[4], ARGV[5], ARGV[6])
end
return 1
