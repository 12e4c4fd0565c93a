-- Delete a further photo of a session at its owner's word.
--
-- KEYS[1] prefix
-- ARGV: 1 view id, 2 key id, 3 session id
-- Returns 1, or 0 where there is no such view of this session and key
--
-- Invariant: it is in no list and no later order, and its place is free. Its file goes with the session's, because a job
-- that was ordered with it may still need it. What was paid stays in the ledger.

local key = P .. 'view:' .. ARGV[1]
local view = redis.call('HMGET', key, 'key', 'session')
if view[1] ~= ARGV[2] or view[2] ~= ARGV[3] then
  return 0
end
redis.call('DEL', key)
redis.call('ZREM', P .. 'views:' .. ARGV[3], ARGV[1])
return 1
