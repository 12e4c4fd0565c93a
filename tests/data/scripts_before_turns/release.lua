-- Hand a job back before its end: at SIGTERM, or for another attempt after a fault that may pass.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 worker, 4 lease ms, 5 pause ms before it may be taken again, 6 does the attempt count (0, 1)
-- Returns 1, or 0 when the attempt has lost the job
--
-- Invariant: only the valid token hands a job back, and it is worthless afterwards. The job stays live, keeps its place
-- in the stream (its entry looks idle for a whole lease, less the pause) and its finished stages. An attempt that was
-- cut short by a shutdown does not count.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'token', 'entry', 'attempts')
if job[1] ~= ARGV[2] then
  return 0
end
local pause = tonumber(ARGV[5])
redis.call('HSET', key, 'token', '', 'lease', int(now_ms() + pause))
if ARGV[6] == '0' then
  redis.call('HSET', key, 'attempts', int(math.max(0, tonumber(job[3]) - 1)))
end
redis.call('XCLAIM', P .. 'queue', GROUP, ARGV[3], 0, job[2], 'IDLE', int(math.max(0, tonumber(ARGV[4]) - pause)),
  'JUSTID')
return 1
