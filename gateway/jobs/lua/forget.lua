-- Forget something whose artifacts are deleted.
--
-- KEYS[1] prefix
-- ARGV: 1 schedule (expiring:jobs, expiring:sessions), 2 member (<key id>/<job id>, or <session id>)
-- Returns 1, or 0 when it lives on (a job whose time was extended while it was swept)
--
-- Invariant: a job that can be read stays in `expiring:jobs` and in its key's list; one that is gone is in neither.

if ARGV[1] == 'expiring:jobs' then
  local key_id, job_id = string.match(ARGV[2], '^(.*)/([^/]+)$')
  local expires = redis.call('HGET', P .. 'job:' .. job_id, 'expires')
  if expires and tonumber(expires) > now_ms() then
    redis.call('ZADD', P .. ARGV[1], expires, ARGV[2])
    return 0
  end
  redis.call('DEL', P .. 'job:' .. job_id, P .. 'work:' .. job_id)
  redis.call('ZREM', P .. 'jobs:' .. key_id, job_id)
end
redis.call('ZREM', P .. ARGV[1], ARGV[2])
return 1
