-- Say that a stage runs now.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 step, 4 step to show
-- Returns 'run' | 'done' (recorded as finished before: it must not run again) | 'lost'
--
-- Invariant: writes only for the valid token, and never over a finished stage.

local key = P .. 'job:' .. ARGV[1]
if redis.call('HGET', key, 'token') ~= ARGV[2] then
  return 'lost'
end
if redis.call('HEXISTS', P .. 'work:' .. ARGV[1], ARGV[3]) == 1 then
  return 'done'
end
redis.call('HSET', key, 'stage:' .. ARGV[3], 'running,' .. int(now_ms()) .. ',0', 'step', ARGV[4])
announce(ARGV[1])
return 'run'
