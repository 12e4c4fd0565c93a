-- Accept a job: charge, write, queue and keep the idempotent answer, all or nothing.
--
-- KEYS[1] prefix
-- ARGV: 1 to 9 as every script that charges (prelude), 1 being the job id; 10 order (JSON), 11 time limit ms from the first
--       claim, 12 default limit of live jobs, 13 job ttl ms, 14 longest wait for the first claim ms, 15 units of work (1: an
--       ordinary film), 16 stages that run (JSON list), 17 webhook url, 18 webhook events, 19 parent id ('' for none),
--       20 stages taken over (JSON list)
-- Returns {'accepted', job hash} | {'too_many', limit} | {'no_parent'} | {'void'} | a refusal (prelude)
--
-- Invariant: exactly when it answers 'accepted' the price left the balance, and the job is queued, live and listed. The
-- same job id is accepted once: a repeat, after an answer that got lost, changes nothing. A job that was voided before
-- (the caller gave up on it) is never accepted.

local job_id, key_id, account, price = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = P .. 'job:' .. job_id
if is_void() then
  return { 'void' }
end
if redis.call('EXISTS', key) == 1 then
  return { 'accepted', redis.call('HGETALL', key) }
end
local refused, own_limit = refusal(price)
if refused then
  return refused
end
local limit = tonumber(own_limit or ARGV[12])
if redis.call('SCARD', P .. 'live:' .. account) >= limit then
  return { 'too_many', int(limit) }
end

local parent = ARGV[19]
local reused = {}
if parent ~= '' then
  local owner = redis.call('HMGET', P .. 'job:' .. parent, 'key', 'status')
  if owner[1] ~= key_id or owner[2] ~= 'completed' then
    return { 'no_parent' }
  end
  for _, step in ipairs(cjson.decode(ARGV[20])) do
    local work = redis.call('HMGET', P .. 'work:' .. parent, step, 'public:' .. step)
    if not work[1] then
      return { 'no_parent' }
    end
    reused[#reused + 1] = { step, work[1], work[2] }
  end
end

local last_start = accept({ id = job_id, key = key_id, account = account, order = ARGV[10], price = price,
  memo = parent == '' and 'transform' or 'render', limit = ARGV[11], units = ARGV[15], ttl = ARGV[13], wait = ARGV[14],
  parent = parent, batch = '', webhook_url = ARGV[17], webhook_events = ARGV[18], stages = cjson.decode(ARGV[16]) })
for _, taken in ipairs(reused) do
  redis.call('HSET', P .. 'work:' .. job_id, taken[1], taken[2], 'public:' .. taken[1], taken[3])
  redis.call('HSET', key, 'stage:' .. taken[1], 'reused,0,0')
  local public = cjson.decode(taken[3])
  for index = 1, #public, 2 do
    redis.call('HSET', key, public[index], public[index + 1])
  end
end
-- The files that are taken over lie under the parent's name (or its parent's): those must live as long as this job may.
local until_ms = last_start + tonumber(ARGV[11]) + tonumber(ARGV[13])
while parent ~= '' do
  local ancestor = redis.call('HMGET', P .. 'job:' .. parent, 'key', 'expires', 'parent', 'needed')
  if not ancestor[1] then
    break
  end
  redis.call('HSET', P .. 'job:' .. parent, 'needed', int(math.max(until_ms, tonumber(ancestor[4] or 0))))
  if tonumber(ancestor[2]) < until_ms then
    redis.call('HSET', P .. 'job:' .. parent, 'expires', int(until_ms))
    redis.call('PEXPIREAT', P .. 'job:' .. parent, int(until_ms))
    redis.call('PEXPIREAT', P .. 'work:' .. parent, int(until_ms))
    redis.call('ZADD', P .. 'expiring:jobs', 'GT', int(until_ms), ancestor[1] .. '/' .. parent)
  end
  parent = ancestor[3]
end
keep_answer(key_id, ARGV[5], ARGV[7], ARGV[8], ARGV[9])
announce(job_id)
return { 'accepted', redis.call('HGETALL', key) }
