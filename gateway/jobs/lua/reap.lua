-- Fail a job whose deadline has passed, whoever holds it, and give its price back.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 sentences (JSON)
-- Returns the credits that came back (a string), or '' when there was nothing to reap
--
-- Invariant: only a live job past its deadline is failed, once. The sentence names the stage it was in.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'status', 'deadline', 'step', 'price')
if not job[1] or not is_live(job[1]) then
  redis.call('ZREM', P .. 'deadlines', ARGV[1])
  return ''
end
if tonumber(job[2]) > now_ms() then
  return ''
end
terminate(ARGV[1], 'failed', '', { message = stage_sentence(ARGV[2], job[3], 'timeout'), code = 'deadline_exceeded',
  stage = job[3], retryable = '1' })
return job[4]
