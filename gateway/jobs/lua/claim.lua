-- Give a worker its next job, for one attempt: one that nobody holds any more, else one whose account's turn it is.
--
-- KEYS[1] prefix
-- ARGV: 1 token of this attempt (unique, made by the worker), 2 lease ms, 3 most attempts, 4 sentences (JSON),
--       5 default limit of running jobs of an account, 6 share of all slots that heavy jobs may hold
-- Returns {'claimed', job id, job hash, work hash, ms until the deadline} | {'expired', job id, credits}
--       | {'exhausted', job id, credits} | {'none'}
--
-- Invariant: at most one token is valid per job; taking it makes every earlier token worthless. A job is taken only when
-- no lease runs on it, before its deadline, and at most ARGV[3] times; after that it fails and is refunded here. The
-- deadline of a job is counted from its first claim. The same token claims once: a repeat, after an answer that got
-- lost, gives the same attempt.
--
-- Turns: each account with waiting jobs stands in `turns` with a score, which grows by a job's work over the account's
-- weight when one is taken. The lowest score is next; an account that had no turn lately enters half a turn before the
-- present one (`enter_queue`). What is found stale on the way (a release before this one moves jobs without these keys) is put right.

local HEAVY_UNITS = 4
local token = ARGV[1]
local now = now_ms()

local function claimed(job_id)
  local key = P .. 'job:' .. job_id
  return { 'claimed', job_id, redis.call('HGETALL', key), redis.call('HGETALL', P .. 'work:' .. job_id),
    int(tonumber(redis.call('HGET', key, 'deadline')) - now) }
end

local function read(job_id)
  local job = redis.call('HMGET', P .. 'job:' .. job_id, 'status', 'lease', 'attempts', 'deadline', 'step', 'started',
    'price', 'account', 'units', 'limit')
  return { live = job[1] and is_live(job[1]), lease = tonumber(job[2] or 0), attempts = tonumber(job[3] or 0),
    deadline = tonumber(job[4] or 0), step = job[5], started = job[6], price = job[7], account = job[8],
    units = tonumber(job[9] or 1), limit = tonumber(job[10] or 0) }
end

local function give(job_id, job)
  local key = P .. 'job:' .. job_id
  if job.deadline <= now then
    terminate(job_id, 'failed', '', { message = stage_sentence(ARGV[4], job.step, 'timeout'), code = 'deadline_exceeded',
      stage = job.step, retryable = '1' })
    return { 'expired', job_id, job.price }
  end
  if job.attempts >= tonumber(ARGV[3]) then
    terminate(job_id, 'failed', '', {
      message = stage_sentence(ARGV[4], job.step, 'failed after ' .. int(job.attempts) .. ' attempts'),
      code = 'stage_failed', stage = job.step, retryable = '1' })
    return { 'exhausted', job_id, job.price }
  end
  local lease = now + tonumber(ARGV[2])
  redis.call('HINCRBY', key, 'attempts', 1)
  redis.call('HSET', key, 'status', 'processing', 'token', token, 'lease', int(lease))
  if job.started == '0' then
    redis.call('HSET', key, 'started', int(now))
  end
  if job.limit > 0 then
    redis.call('HSET', key, 'deadline', int(now + job.limit), 'limit', '0')
    redis.call('ZADD', P .. 'deadlines', int(now + job.limit), job_id)
  end
  redis.call('ZREM', P .. 'waiting', job_id)
  leave_queue(job.account, job_id)
  redis.call('HSET', P .. 'account:' .. job.account, 'served', int(now))
  redis.call('ZADD', P .. 'leases', int(lease), job_id)
  redis.call('ZREMRANGEBYSCORE', P .. 'busy:' .. job.account, '-inf', int(now))
  redis.call('ZADD', P .. 'busy:' .. job.account, int(lease), job_id)
  if job.units > HEAVY_UNITS then
    redis.call('ZADD', P .. 'heavy', int(lease), job_id)
  end
  redis.call('SET', P .. 'claim:' .. token, job_id, 'PX', ARGV[2])
  announce(job_id)
  return claimed(job_id)
end

-- Heavy jobs run for minutes and are not interrupted: some slots are never theirs, so that others always get on.
local heavy_room
local function heavy_may_run()
  if heavy_room == nil then
    local slots = 0
    for _, member in ipairs(redis.call('ZRANGE', P .. 'workers', 0, -1)) do
      slots = slots + tonumber(string.match(member, ' (%d+)$') or 0)
    end
    local most = math.max(1, math.floor(slots * tonumber(ARGV[6])))
    heavy_room = redis.call('ZCOUNT', P .. 'heavy', '(' .. int(now), '+inf') < most
  end
  return heavy_room
end

local before = redis.call('GET', P .. 'claim:' .. token)
if before then
  if redis.call('HGET', P .. 'job:' .. before, 'token') == token then
    return claimed(before)
  end
  return { 'none' }
end

for _, job_id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', int(now), 'LIMIT', 0, 100)) do
  local job = read(job_id)
  if not job.live then
    redis.call('ZREM', P .. 'leases', job_id)
  elseif job.lease > now then
    redis.call('ZADD', P .. 'leases', int(job.lease), job_id)
  else
    return give(job_id, job)
  end
end

local skipped = 0
while true do
  local account = redis.call('ZRANGE', P .. 'turns', skipped, skipped)[1]
  if not account then
    return { 'none' }
  end
  local limit = tonumber(redis.call('HGET', P .. 'account:' .. account, 'running_jobs') or ARGV[5])
  local job_id = redis.call('ZRANGE', P .. 'queue:' .. account, 0, 0)[1]
  if not job_id then
    redis.call('ZREM', P .. 'turns', account)
  elseif redis.call('ZCOUNT', P .. 'busy:' .. account, '(' .. int(now), '+inf') >= limit then
    skipped = skipped + 1
  else
    local job = read(job_id)
    if not job.live then
      leave_queue(account, job_id)
    elseif job.lease > now then
      leave_queue(account, job_id)
      redis.call('ZADD', P .. 'leases', int(job.lease), job_id)
    elseif job.units > HEAVY_UNITS and not heavy_may_run() then
      skipped = skipped + 1
    else
      local present = turn_now()
      local score = math.max(tonumber(redis.call('ZSCORE', P .. 'turns', account)), present)
      local weight = tonumber(redis.call('HGET', P .. 'account:' .. account, 'weight') or 1)
      set_turn(account, score + math.max(1, job.units) / weight)
      if redis.call('HDEL', P .. 'account:' .. account, 'early') == 1 then
        -- Never so far that those who waited longest would stand behind the next newcomer but for one step.
        local lowest = tonumber(redis.call('ZRANGE', P .. 'turns', skipped, skipped, 'WITHSCORES')[2])
        score = math.max(score, math.min(score, lowest + HEAD_START) + HEAD_START_STEP)
      end
      redis.call('SET', P .. 'turn', exact(score))
      return give(job_id, job)
    end
  end
end
