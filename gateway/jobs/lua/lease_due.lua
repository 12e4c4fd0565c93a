-- Take what is due from a schedule (a sorted set of times), for a while.
--
-- KEYS[1] prefix
-- ARGV: 1 schedule's name, 2 how many at most, 3 ms until it is due again if nobody settles it,
--       4 ms of grace after it is due
-- Returns the members
--
-- Invariant: no member is given to two callers within ARGV[3], and none is forgotten when a caller dies.

local schedule = P .. ARGV[1]
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', schedule, '-inf', int(now - tonumber(ARGV[4])), 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do
  redis.call('ZADD', schedule, 'XX', int(now - tonumber(ARGV[4]) + tonumber(ARGV[3])), member)
end
return due
