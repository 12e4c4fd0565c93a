-- A batch with the state of each of its films.
--
-- KEYS[1] prefix
-- ARGV: 1 batch id, 2 key id ('' where a signed link is the right to look), then the names of the fields of a job
-- Returns {} for none, or {batch hash, job id, {fields of the job}, job id, {fields of the job}, ...} in the batch's order;
-- the fields of a film that was deleted are all nil
--
-- Invariant: a batch of which no film lives is read as ended. A worker of the release before ends jobs without telling
-- their batch: then the first that reads it does.

local key = P .. 'batch:' .. ARGV[1]
local owner = redis.call('HGET', key, 'key')
if not owner or (ARGV[2] ~= '' and owner ~= ARGV[2]) then
  return {}
end
local rows, live = {}, 0
local names = { unpack(ARGV, 3) }
for _, job_id in ipairs(redis.call('LRANGE', P .. 'batch-jobs:' .. ARGV[1], 0, -1)) do
  local film = P .. 'job:' .. job_id
  if is_live(redis.call('HGET', film, 'status') or '') then
    live = live + 1
  end
  rows[#rows + 1] = job_id
  rows[#rows + 1] = redis.call('HMGET', film, unpack(names))
end
if live == 0 and redis.call('HGET', key, 'ended') == '0' then
  end_batch(ARGV[1])
  announce_batch(ARGV[1])
end
return { redis.call('HGETALL', key), unpack(rows) }
