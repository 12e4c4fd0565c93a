-- Record a finished stage: what it made, for the stages after it and for the customer.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 step, 4 step to show, 5 progress 0..99, 6 result (JSON, for later stages),
--       7 public fields (JSON list: name, value, name, value, ...)
-- Returns 1, or 0 when the attempt has lost the job
--
-- Invariant: writes only for the valid token; a stage is recorded once, and what was recorded never changes, so a job
-- that is resumed goes on from here and no later attempt runs the stage again.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'token', 'progress', 'stage:' .. ARGV[3])
if job[1] ~= ARGV[2] then
  return 0
end
if redis.call('HSETNX', P .. 'work:' .. ARGV[1], ARGV[3], ARGV[6]) == 1 then
  local now = now_ms()
  local started = tonumber(string.match(job[3] or '', '^%a+,(%d+)') or int(now))
  redis.call('HSET', P .. 'work:' .. ARGV[1], 'public:' .. ARGV[3], ARGV[7])
  redis.call('HSET', key, 'stage:' .. ARGV[3], 'done,' .. int(started) .. ',' .. int(now - started), 'step', ARGV[4],
    'progress', int(math.max(tonumber(job[2]), tonumber(ARGV[5]))))
  local public = cjson.decode(ARGV[7])
  for index = 1, #public, 2 do
    redis.call('HSET', key, public[index], public[index + 1])
  end
  announce(ARGV[1])
end
return 1
