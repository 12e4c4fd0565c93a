-- Accept a job: charge, write, queue and keep the idempotent answer, all or nothing.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 key id, 3 account id, 4 price, 5 order (JSON), 6 time limit ms from the first claim, 7 default
--       limit of live jobs,
--       8 job ttl ms, 9 webhook url, 10 webhook events, 11 parent id ('' for none), 12 stages taken over (JSON list),
--       13 stages that run (JSON list), 14 idempotency digest ('' for none), 15 token, 16 status, 17 body, 18 ttl ms,
--       19 longest wait for the first claim ms, 20 units of work (1: an ordinary film)
-- Returns {'accepted', job hash} | {'void'} | {'slot_lost'} | {'no_account'} | {'frozen'} | {'insufficient', balance}
--       | {'too_many', limit} | {'no_parent'}
--
-- Invariant: exactly when it answers 'accepted' the price left the balance, and the job is queued, live and listed. The
-- same job id is accepted once: a repeat, after an answer that got lost, changes nothing. A job that was voided before
-- (the caller gave up on it) is never accepted.

local job_id, key_id, account, price = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = P .. 'job:' .. job_id
if redis.call('EXISTS', P .. 'void:' .. job_id) == 1 then
  return { 'void' }
end
if redis.call('EXISTS', key) == 1 then
  return { 'accepted', redis.call('HGETALL', key) }
end
if not holds_slot(key_id, ARGV[14], ARGV[15]) then
  return { 'slot_lost' }
end
local payer = redis.call('HMGET', P .. 'account:' .. account, 'balance', 'frozen', 'live_jobs')
if not payer[1] then
  return { 'no_account' }
end
if payer[2] == '1' then
  return { 'frozen' }
end
if tonumber(payer[1]) < price then
  return { 'insufficient', payer[1] }
end
local limit = tonumber(payer[3] or ARGV[7])
if redis.call('SCARD', P .. 'live:' .. account) >= limit then
  return { 'too_many', int(limit) }
end

local parent = ARGV[11]
local reused = {}
if parent ~= '' then
  local owner = redis.call('HMGET', P .. 'job:' .. parent, 'key', 'status')
  if owner[1] ~= key_id or owner[2] ~= 'completed' then
    return { 'no_parent' }
  end
  for _, step in ipairs(cjson.decode(ARGV[12])) do
    local work = redis.call('HMGET', P .. 'work:' .. parent, step, 'public:' .. step)
    if not work[1] then
      return { 'no_parent' }
    end
    reused[#reused + 1] = { step, work[1], work[2] }
  end
end

local last_start = accept({ id = job_id, key = key_id, account = account, order = ARGV[5], price = price,
  memo = parent == '' and 'transform' or 'render', limit = ARGV[6], units = ARGV[20], ttl = ARGV[8], wait = ARGV[19],
  parent = parent, batch = '', webhook_url = ARGV[9], webhook_events = ARGV[10], stages = cjson.decode(ARGV[13]) })
for _, taken in ipairs(reused) do
  redis.call('HSET', P .. 'work:' .. job_id, taken[1], taken[2], 'public:' .. taken[1], taken[3])
  redis.call('HSET', key, 'stage:' .. taken[1], 'reused,0,0')
  local public = cjson.decode(taken[3])
  for index = 1, #public, 2 do
    redis.call('HSET', key, public[index], public[index + 1])
  end
end
-- The files that are taken over lie under the parent's name (or its parent's): those must live as long as this job may.
local until_ms = last_start + tonumber(ARGV[6]) + tonumber(ARGV[8])
while parent ~= '' do
  local ancestor = redis.call('HMGET', P .. 'job:' .. parent, 'key', 'expires', 'parent')
  if not ancestor[1] then
    break
  end
  if tonumber(ancestor[2]) < until_ms then
    redis.call('HSET', P .. 'job:' .. parent, 'expires', int(until_ms))
    redis.call('PEXPIREAT', P .. 'job:' .. parent, int(until_ms))
    redis.call('PEXPIREAT', P .. 'work:' .. parent, int(until_ms))
    redis.call('ZADD', P .. 'expiring:jobs', 'GT', int(until_ms), ancestor[1] .. '/' .. parent)
  end
  parent = ancestor[3]
end
keep_answer(key_id, ARGV[14], ARGV[15], ARGV[16], ARGV[17], ARGV[18])
announce(job_id)
return { 'accepted', redis.call('HGETALL', key) }
