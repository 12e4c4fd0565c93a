-- Shared by every script: it is put before each of them, so that each is one script to Redis.
--
-- KEYS[1] is the prefix of every key, with a hash tag ("{lensora}:"), so that all keys lie in one slot. Key names are
-- built here because a script learns a job's account only from the job. All times are Unix milliseconds of Redis's clock.
--
-- Invariants kept by the functions below, whoever calls them:
--   1. balance(account) = sum of the amounts in its ledger: both move in `post` alone.
--   2. a job becomes terminal at most once (`terminate` is called on live jobs only, and leaves the job terminal),
--      and its price comes back at most once, there; or in `void`, where it has completed.
--   3. a live job is in `deadlines`, in `live:<account>` and in the stream; a terminal one is in none of them, and is in
--      `expiring:jobs`. A job that waits is in `waiting` and in `queue:<account>`, one that was taken is in `leases`.
--   4. every change of a job that a customer can see raises `version` by one and is announced on the channel `changes`; its end
--      on the channel `ended` as well, for the worker that may still be at work on it.
--   5. a batch ends when the last of its jobs does, in the same script, once; its message is written there.

local P = KEYS[1]
local GROUP = 'workers'

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function int(value)
  return string.format('%.0f', value)
end

local function is_live(status)
  return status == 'queued' or status == 'processing'
end

local function post(account, kind, amount, reference, memo)
  local balance = redis.call('HINCRBY', P .. 'account:' .. account, 'balance', int(amount))
  redis.call('XADD', P .. 'ledger:' .. account, '*', 'kind', kind, 'amount', int(amount), 'balance', int(balance),
    'reference', reference, 'memo', memo)
  return balance
end

local function announce(job_id)
  local version = redis.call('HINCRBY', P .. 'job:' .. job_id, 'version', 1)
  redis.call('PUBLISH', P .. 'changes', job_id .. ' ' .. int(version))
end

-- A brand's version that nothing new is ordered with: its files are kept as long as its jobs may need them.
local function retire_brand(account, version, until_ms)
  redis.call('SREM', P .. 'brand-versions', version)
  redis.call('ZADD', P .. 'brand-files:' .. account, int(until_ms), version)
  redis.call('ZADD', P .. 'expiring:brands', int(until_ms), version)
end

-- Scores of turns are sums of fractions: they are written so that reading gives the same number.
local function exact(value)
  return string.format('%.17g', value)
end

local function turn_now()
  return tonumber(redis.call('GET', P .. 'turn') or 0)
end

-- One worker that waits for a job looks at once. More marks than workers would be of no use.
local function wake()
  redis.call('LPUSH', P .. 'wake', '1')
  redis.call('LTRIM', P .. 'wake', 0, 63)
end

-- An account keeps its score while it has nothing in the queue: leaving and coming back gains nothing.
local function set_turn(account, score)
  redis.call('HSET', P .. 'account:' .. account, 'turn', exact(score))
  redis.call('ZADD', P .. 'turns', exact(score), account)
end

-- One that has had no turn lately stands half a turn before those that share the present one: its first job is next, however
-- many accounts are at work. Taking a job counts from the present turn, so nothing more is gained. Each such first job brings the
-- present turn on a little (`claim`), so that newcomers without end hold up the others for some sixteen jobs, not for ever.
local HEAD_START = 0.5
local HEAD_START_STEP = 1 / 16

local function enter_queue(account, job_id, sequence)
  redis.call('ZADD', P .. 'queue:' .. account, sequence, job_id)
  if not redis.call('ZSCORE', P .. 'turns', account) then
    local last = tonumber(redis.call('HGET', P .. 'account:' .. account, 'turn') or 0)
    local early = turn_now() - HEAD_START
    set_turn(account, math.max(early, last))
    if early > last then
      redis.call('HSET', P .. 'account:' .. account, 'early', '1')
    end
  end
  wake()
end

local function leave_queue(account, job_id)
  if redis.call('ZREM', P .. 'queue:' .. account, job_id) == 1
    and redis.call('EXISTS', P .. 'queue:' .. account) == 0 then
    redis.call('ZREM', P .. 'turns', account)
  end
end

local function leave_work(account, job_id)
  redis.call('ZREM', P .. 'busy:' .. account, job_id)
  redis.call('ZREM', P .. 'heavy', job_id)
end

local function keep_answer(key_id, digest, status, body, ttl_ms)
  if digest ~= '' then
    local slot = P .. 'idem:' .. key_id .. ':' .. digest
    redis.call('HSET', slot, 'state', 'done', 'status', status, 'body', body)
    redis.call('PEXPIRE', slot, ttl_ms)
  end
end

-- The five scripts that charge (open_session, keep_cutout, keep_view, submit, submit_batch) take first:
-- ARGV 1 id, 2 key id, 3 account id, 4 price (of each piece), 5 idempotency digest ('' for none), 6 token, 7 status, 8 body,
-- 9 ttl ms. Their own arguments follow from 10. The functions below that read ARGV are theirs.

-- Whether the caller has given up on such work: a command that was still under way must then do nothing, whatever is there.
local function is_void()
  return redis.call('EXISTS', P .. 'void:' .. ARGV[1]) == 1
end

-- Why it may not be charged for, as its script answers it: {'slot_lost'} | {'no_account'} | {'frozen'} |
-- {'insufficient', balance}. Otherwise nil, and the account's own limit of live jobs (false for none).
local function refusal(price)
  local digest = ARGV[5]
  if digest ~= '' and redis.call('HGET', P .. 'idem:' .. ARGV[2] .. ':' .. digest, 'token') ~= ARGV[6] then
    return { 'slot_lost' }
  end
  local payer = redis.call('HMGET', P .. 'account:' .. ARGV[3], 'balance', 'frozen', 'live_jobs')
  if not payer[1] then
    return { 'no_account' }
  end
  if payer[2] == '1' then
    return { 'frozen' }
  end
  if tonumber(payer[1]) < price then
    return { 'insufficient', payer[1] }
  end
  return nil, payer[3]
end

-- Charge for work other than jobs, which `accept` charges for.
local function charge(price, memo)
  if price > 0 then
    post(ARGV[3], 'charge', -price, ARGV[1], memo)
  end
end

-- When the session ends that such work belongs to; nil where this key has no such session.
local function end_of_session(session_id)
  local session = redis.call('HMGET', P .. 'session:' .. session_id, 'key', 'expires')
  return session[1] == ARGV[2] and session[2] or nil
end

-- A batch of which no job lives any more: it has ended, once, and its one message is on its way.
local function end_batch(batch_id)
  local key = P .. 'batch:' .. batch_id
  local batch = redis.call('HMGET', key, 'key', 'account', 'ended', 'until', 'webhook_url')
  if batch[3] ~= '0' then
    return
  end
  local now = int(now_ms())
  redis.call('HSET', key, 'ended', now, 'live', '0')
  if batch[5] ~= '' and redis.call('SISMEMBER', P .. 'hooks-off:' .. batch[2], batch[5]) == 0 then
    local hook = 'msg_' .. batch_id
    -- A schedule of its own: workers of the release before do not know such messages.
    redis.call('HSET', P .. 'hook:' .. hook, 'schedule', 'hooks:batches', 'batch', batch_id, 'key', batch[1],
      'account', batch[2], 'url', batch[5], 'event', 'batch.ended', 'tries', '0', 'created', now)
    redis.call('PEXPIREAT', P .. 'hook:' .. hook, batch[4])
    redis.call('ZADD', P .. 'hooks:batches', now, hook)
  end
end

local function announce_batch(batch_id)
  local version = redis.call('HINCRBY', P .. 'batch:' .. batch_id, 'version', 1)
  redis.call('PUBLISH', P .. 'changes', batch_id .. ' ' .. int(version))
end

-- One of its jobs has ended.
local function leave_batch(batch_id)
  if redis.call('HINCRBY', P .. 'batch:' .. batch_id, 'live', -1) <= 0 then
    end_batch(batch_id)
  end
  announce_batch(batch_id)
end

-- End a LIVE job: status is completed, failed or canceled; by is the token of the attempt that ended it ('' for none);
-- failure is nil or {message=, code=, stage=, retryable=}.
local function terminate(job_id, status, by, failure)
  local key = P .. 'job:' .. job_id
  local now = now_ms()
  local job = redis.call('HMGET', key, 'account', 'key', 'price', 'entry', 'ttl', 'started', 'webhook_url',
    'webhook_events', 'parent', 'batch', 'stage:rendering-video', 'units')
  local account, price, expires = job[1], tonumber(job[3]), now + tonumber(job[5])
  local batch = job[10] or ''
  if batch ~= '' then
    -- The films of a batch are kept as long as each other, so that its archive is whole for as long as it is there.
    expires = math.max(expires, tonumber(redis.call('HGET', P .. 'batch:' .. batch, 'until') or 0))
  end
  redis.call('HINCRBY', key, 'terminals', 1)
  redis.call('HSET', key, 'status', status, 'ended', int(now), 'expires', int(expires), 'token', '', 'ended_by', by)
  if status == 'completed' then
    redis.call('HSET', key, 'step', 'done', 'progress', '100')
    -- How long it took, of that the filming, and how much film it was: what estimates rest on. A second film of a kept
    -- mesh says nothing of how long a whole job takes.
    local runs = P .. ((job[9] or '') == '' and 'runs' or 'runs-again')
    local filming = string.match(job[11] or '', '^done,%d+,(%d+)') or '0'
    redis.call('LPUSH', runs, int(now - tonumber(job[6])) .. ' ' .. filming .. ' ' .. (job[12] or '1'))
    redis.call('LTRIM', runs, 0, 50)
  else
    redis.call('HSET', key, 'progress', '0', 'refunded', int(price))
    if price > 0 then
      post(account, 'refund', price, job_id, status)
    end
  end
  if failure then
    redis.call('HSET', key, 'error_message', failure.message, 'error_code', failure.code, 'error_stage', failure.stage,
      'error_retryable', failure.retryable)
  end
  redis.call('SREM', P .. 'live:' .. account, job_id)
  redis.call('ZREM', P .. 'deadlines', job_id)
  redis.call('ZREM', P .. 'waiting', job_id)
  redis.call('ZREM', P .. 'leases', job_id)
  leave_queue(account, job_id)
  leave_work(account, job_id)
  if redis.call('EXISTS', P .. 'turns') == 1 then
    -- An account at its limit of running jobs may have the next one now.
    wake()
  end
  redis.call('XACK', P .. 'queue', GROUP, job[4])
  redis.call('XDEL', P .. 'queue', job[4])
  redis.call('ZADD', P .. 'expiring:jobs', 'GT', int(expires), job[2] .. '/' .. job_id)
  redis.call('PEXPIREAT', key, int(expires))
  redis.call('PEXPIREAT', P .. 'work:' .. job_id, int(expires))
  if job[7] ~= '' and string.find(job[8], 'job.' .. status, 1, true)
    and redis.call('SISMEMBER', P .. 'hooks-off:' .. account, job[7]) == 0 then
    local hook = 'msg_' .. job_id
    redis.call('HSET', P .. 'hook:' .. hook, 'job', job_id, 'key', job[2], 'account', account, 'url', job[7],
      'event', 'job.' .. status, 'tries', '0', 'created', int(now))
    redis.call('PEXPIREAT', P .. 'hook:' .. hook, int(expires))
    redis.call('ZADD', P .. 'hooks', int(now), hook)
  end
  announce(job_id)
  redis.call('PUBLISH', P .. 'ended', job_id .. ' ' .. status)
  if batch ~= '' then
    leave_batch(batch)
  end
end

-- Write a live job, charge for it, list it and queue it. The caller has looked at balance and limits, and announces it.
-- job: {id=, key=, account=, order=, price=, memo=, limit=, units=, ttl=, wait=, parent=, batch=, webhook_url=,
-- webhook_events=, stages= (list)}; limit, ttl and wait are milliseconds. Returns its last start.
local function accept(job)
  local now = now_ms()
  local last_start = now + tonumber(job.wait)
  local key = P .. 'job:' .. job.id
  local sequence = int(redis.call('INCR', P .. 'sequence'))
  -- Workers of this release take jobs from `queue:<account>`; the stream holds every live job, for those before it and for
  -- autoscalers, which go by its length.
  local entry = redis.call('XADD', P .. 'queue', '*', 'job', job.id)
  redis.call('HSET', key, 'key', job.key, 'account', job.account, 'order', job.order, 'status', 'queued',
    'step', 'starting', 'progress', '0', 'version', '0', 'sequence', sequence, 'price', int(job.price), 'refunded', '0',
    'attempts', '0', 'created', int(now), 'started', '0', 'ended', '0', 'deadline', int(last_start), 'expires', '0',
    'limit', job.limit, 'units', job.units, 'parent', job.parent, 'batch', job.batch, 'token', '', 'lease', '0',
    'entry', entry, 'ended_by', '', 'ttl', job.ttl, 'webhook_url', job.webhook_url,
    'webhook_events', job.webhook_events)
  for _, step in ipairs(job.stages) do
    redis.call('HSET', key, 'stage:' .. step, 'pending,0,0')
  end
  redis.call('ZADD', P .. 'waiting', sequence, job.id)
  redis.call('ZADD', P .. 'deadlines', int(last_start), job.id)
  enter_queue(job.account, job.id, sequence)
  redis.call('SADD', P .. 'live:' .. job.account, job.id)
  redis.call('ZADD', P .. 'jobs:' .. job.key, sequence, job.id)
  if job.price > 0 then
    post(job.account, 'charge', -job.price, job.id, job.memo)
  end
  return last_start
end

-- Forget an ended job at the word of its owner, whose key this is: see delete.lua.
local function forget(job_id, key_id)
  local key = P .. 'job:' .. job_id
  local job = redis.call('HMGET', key, 'ended', 'ttl', 'expires', 'batch', 'needed')
  redis.call('ZREM', P .. 'jobs:' .. key_id, job_id)
  local now = now_ms()
  local expires = tonumber(job[3])
  -- A film of the kept model may still need the files: then they live as long as that film may. A release before this one
  -- writes no `needed`, but a later end.
  local own = tonumber(job[1]) + tonumber(job[2])
  if (job[4] or '') ~= '' then
    own = math.max(own, tonumber(redis.call('HGET', P .. 'batch:' .. job[4], 'until') or 0))
  end
  if expires <= own and tonumber(job[5] or 0) <= now then
    expires = now
  end
  redis.call('HSET', key, 'key', '', 'deleted', int(now), 'expires', int(expires))
  -- It is nobody's from now on, in the schedule too: there submit.lua looks for it by the job's own key.
  redis.call('ZREM', P .. 'expiring:jobs', key_id .. '/' .. job_id)
  redis.call('ZADD', P .. 'expiring:jobs', int(expires), '/' .. job_id)
end

-- Sentences come from lensora.core.steps.FAILURE_SENTENCE, as JSON.
local function stage_sentence(sentences, step, ending)
  return (cjson.decode(sentences)[step] or 'The job') .. ' ' .. ending
end
