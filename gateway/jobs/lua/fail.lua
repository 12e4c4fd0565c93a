-- Fail a job and give its price back.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 sentence, 4 code, 5 stage, 6 retryable (0 or 1)
-- Returns 1, or 0 when the attempt has lost the job
--
-- Invariant: only the valid token fails a job, once; failing and refunding are one step. A repeat by the same attempt
-- answers 1 and changes nothing.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'token', 'status', 'ended_by')
if job[2] == 'failed' and job[3] == ARGV[2] then
  return 1
end
if job[1] ~= ARGV[2] or not job[2] or not is_live(job[2]) then
  return 0
end
terminate(ARGV[1], 'failed', ARGV[2], { message = ARGV[3], code = ARGV[4], stage = ARGV[5], retryable = ARGV[6] })
return 1
