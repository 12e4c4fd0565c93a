-- Say that a worker is there, forget those that are gone, and measure the queue.
--
-- KEYS[1] prefix
-- ARGV: 1 worker, 2 slots (0: it is leaving), 3 ms it is believed to be there
-- Returns {jobs waiting, jobs running, ms that the oldest waiting job has waited}
--
-- Invariant: a stream consumer is deleted only when it holds no job.

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
return { waiting, math.max(0, redis.call('ZCARD', P .. 'deadlines') - waiting), oldest_ms }
