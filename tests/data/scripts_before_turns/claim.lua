-- Take a job for one attempt.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 stream entry, 3 token of this attempt (unique, made by the worker), 4 worker, 5 lease ms,
--       6 most attempts, 7 sentences (JSON)
-- Returns {'claimed', job hash, work hash, ms until the deadline} | {'busy'} | {'gone'} | {'expired', credits} | {'exhausted', credits}
--
-- Invariant: at most one token is valid per job; taking it makes every earlier token worthless. A job is taken only when
-- no lease runs on it, before its deadline, and at most ARGV[6] times; after that it fails and is refunded here.
-- The same token claims once: a repeat, after an answer that got lost, gives the same attempt.

local job_id, token = ARGV[1], ARGV[3]
local key = P .. 'job:' .. job_id
local job = redis.call('HMGET', key, 'status', 'token', 'lease', 'attempts', 'deadline', 'step', 'started', 'entry',
  'price')
local now = now_ms()
if not job[1] or not is_live(job[1]) or job[8] ~= ARGV[2] then
  redis.call('XACK', P .. 'queue', GROUP, ARGV[2])
  redis.call('XDEL', P .. 'queue', ARGV[2])
  return { 'gone' }
end
if job[2] ~= token then
  if tonumber(job[5]) <= now then
    terminate(job_id, 'failed', '', { message = stage_sentence(ARGV[7], job[6], 'timeout'), code = 'deadline_exceeded',
      stage = job[6], retryable = '1' })
    return { 'expired', job[9] }
  end
  if tonumber(job[3]) > now then
    return { 'busy' }
  end
  if tonumber(job[4]) >= tonumber(ARGV[6]) then
    terminate(job_id, 'failed', '', {
      message = stage_sentence(ARGV[7], job[6], 'failed after ' .. job[4] .. ' attempts'), code = 'stage_failed',
      stage = job[6], retryable = '1' })
    return { 'exhausted', job[9] }
  end
  redis.call('HINCRBY', key, 'attempts', 1)
  redis.call('HSET', key, 'status', 'processing', 'token', token, 'lease', int(now + tonumber(ARGV[5])))
  if job[7] == '0' then
    redis.call('HSET', key, 'started', int(now))
  end
  redis.call('ZREM', P .. 'waiting', job_id)
  announce(job_id)
end
return { 'claimed', redis.call('HGETALL', key), redis.call('HGETALL', P .. 'work:' .. job_id),
  int(tonumber(job[5]) - now) }
