-- Change what is known of a further photo: its side, its box, its points. Nothing is charged.
--
-- KEYS[1] prefix
-- ARGV: 1 view id, 2 key id, 3 session id, 4 document (JSON)
-- Returns 1, or 0 where there is no such view of this session and key
--
-- Invariant: a view that was deleted or has expired does not come back; key, session, price and end stay as they are.

local key = P .. 'view:' .. ARGV[1]
local view = redis.call('HMGET', key, 'key', 'session')
if view[1] ~= ARGV[2] or view[2] ~= ARGV[3] then
  return 0
end
redis.call('HSET', key, 'document', ARGV[4])
return 1
