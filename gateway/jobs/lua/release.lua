-- Hand a job back before its end: at SIGTERM, or for another attempt after a fault that may pass.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 pause ms before it may be taken again, 4 does the attempt count (0, 1)
-- Returns 1, or 0 when the attempt has lost the job
--
-- Invariant: only the valid token hands a job back, and it is worthless afterwards. The job stays live, is taken before
-- any that waits (its lease ends with the pause), and keeps its finished stages. An attempt that was cut short by a
-- shutdown does not count.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'token', 'account', 'attempts')
if job[1] ~= ARGV[2] then
  return 0
end
local free = int(now_ms() + tonumber(ARGV[3]))
redis.call('HSET', key, 'token', '', 'lease', free)
if ARGV[4] == '0' then
  redis.call('HSET', key, 'attempts', int(math.max(0, tonumber(job[3]) - 1)))
end
redis.call('ZADD', P .. 'leases', free, ARGV[1])
leave_work(job[2], ARGV[1])
wake()
return 1
