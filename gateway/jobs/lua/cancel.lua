-- Cancel a job for its customer and give its price back.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 key id
-- Returns {'none'} | {'terminal', status, credits refunded} | {'canceled', 'canceled', credits refunded}
--
-- Invariant: only the key that made the job cancels it; a terminal job is not touched; canceling and refunding are one
-- step. The running attempt's token is worthless at once: its next heartbeat stops the work.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'key', 'status', 'refunded', 'price')
if job[1] ~= ARGV[2] then
  return { 'none' }
end
if not is_live(job[2]) then
  return { 'terminal', job[2], job[3] }
end
terminate(ARGV[1], 'canceled', '', nil)
return { 'canceled', 'canceled', job[4] }
