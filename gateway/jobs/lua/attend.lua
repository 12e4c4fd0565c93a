-- Say that a worker is there, forget those that are gone, and measure the queue.
--
-- KEYS[1] prefix
-- ARGV: 1 worker, 2 slots (0: it is leaving), 3 ms it is believed to be there
-- Returns {jobs waiting, jobs running, ms that the oldest waiting job has waited, ms that an account has gone without a turn}
--
-- An account is without a turn while it has jobs that wait and none that runs: from its next job's submit or from its last
-- turn, whichever was later. So one that orders hundreds at once is served although its jobs wait.
--
-- Invariant: a stream consumer is deleted only when it holds no job.

-- Those that are next; looking at all of very many would hold up Redis.
local MOST_ACCOUNTS = 200
local now = now_ms()
local workers = P .. 'workers'
if tonumber(ARGV[2]) > 0 then
  redis.call('ZADD', workers, int(now + tonumber(ARGV[3])), ARGV[1] .. ' ' .. ARGV[2])
else
  for _, member in ipairs(redis.call('ZRANGE', workers, 0, -1)) do
    if string.sub(member, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
      redis.call('ZREM', workers, member)
    end
  end
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', '(' .. int(now))) do
  redis.call('ZREM', workers, member)
end
redis.call('ZREMRANGEBYSCORE', P .. 'heavy', '-inf', int(now))
-- Consumers of the stream are workers of a release before this one.
local consumers = redis.pcall('XINFO', 'CONSUMERS', P .. 'queue', GROUP)
if not consumers['err'] then
  for _, consumer in ipairs(consumers) do
    -- A flat list: name, <name>, pending, <count>, idle, <ms>.
    if consumer[4] == 0 and consumer[6] > 3600000 then
      redis.call('XGROUP', 'DELCONSUMER', P .. 'queue', GROUP, consumer[2])
    end
  end
end
local waiting = redis.call('ZCARD', P .. 'waiting')
local oldest_ms = 0
local first = redis.call('ZRANGE', P .. 'waiting', 0, 0)
if first[1] then
  oldest_ms = math.max(0, now - tonumber(redis.call('HGET', P .. 'job:' .. first[1], 'created') or now))
end
local turnless_ms = 0
for _, account in ipairs(redis.call('ZRANGE', P .. 'turns', 0, MOST_ACCOUNTS - 1)) do
  local head = redis.call('ZRANGE', P .. 'queue:' .. account, 0, 0)[1]
  if head and redis.call('ZCOUNT', P .. 'busy:' .. account, '(' .. int(now), '+inf') == 0 then
    local created = tonumber(redis.call('HGET', P .. 'job:' .. head, 'created') or now)
    local served = tonumber(redis.call('HGET', P .. 'account:' .. account, 'served') or 0)
    turnless_ms = math.max(turnless_ms, now - math.max(created, served))
  end
end
return { waiting, math.max(0, redis.call('ZCARD', P .. 'deadlines') - waiting), oldest_ms, turnless_ms }
