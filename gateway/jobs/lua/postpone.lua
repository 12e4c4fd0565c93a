-- Move a member of a schedule (a sorted set of times) to a later time.
--
-- KEYS[1] prefix
-- ARGV: 1 schedule's name, 2 member, 3 ms from now
--
-- Invariant: a member that is no longer there (it was settled meanwhile) does not come back.

redis.call('ZADD', P .. ARGV[1], 'XX', int(now_ms() + tonumber(ARGV[3])), ARGV[2])
return 1
