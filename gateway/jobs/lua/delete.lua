-- Forget an ended job at its owner's word.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 key id
-- Returns 'deleted' | 'live' | 'none'
--
-- Invariant: a deleted job can be read with no key and is in no list. Its files are swept at once, unless a job that was
-- made from it still needs them: then they live as long as that job may. What was paid stays in the ledger.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'key', 'status')
if job[1] ~= ARGV[2] then
  return 'none'
end
if is_live(job[2]) then
  return 'live'
end
forget(ARGV[1], ARGV[2])
return 'deleted'
