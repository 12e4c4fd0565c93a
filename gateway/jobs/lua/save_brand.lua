-- Save a brand under a key, in place of one of the same name.
--
-- KEYS[1] prefix
-- ARGV: 1 key id, 2 name, 3 version (where its files lie), 4 document (JSON), 5 most brands of a key,
--       6 ms that the files of a replaced version are kept, 7 account id, 8 most versions of an account with files
-- Returns {'saved', ms of the save} | {'too_many'} | {'too_often', ms when the oldest replaced version goes}
--
-- Invariant: a version is in `brand-versions` exactly while a brand names it; when it leaves, it goes to `expiring:brands`,
-- so that its files outlive the jobs that were ordered with it. `brand-files:<account>` counts both, live ones without an end.

local brands = P .. 'brands:' .. ARGV[1]
local before = redis.call('HGET', brands, ARGV[2])
local saved = before and cjson.decode(before)
if saved and saved.version == ARGV[3] then
  return { 'saved', saved.saved }
end
if not saved and redis.call('HLEN', brands) >= tonumber(ARGV[5]) then
  return { 'too_many' }
end
local now = now_ms()
local files = P .. 'brand-files:' .. ARGV[7]
redis.call('ZREMRANGEBYSCORE', files, '-inf', int(now))
if redis.call('ZCARD', files) >= tonumber(ARGV[8]) then
  return { 'too_often', redis.call('ZRANGE', files, 0, 0, 'WITHSCORES')[2] }
end
if saved then
  retire_brand(ARGV[7], saved.version, now + tonumber(ARGV[6]))
end
redis.call('ZADD', files, '+inf', ARGV[3])
redis.call('HSET', brands, ARGV[2], '{"version":"' .. ARGV[3] .. '","saved":' .. int(now) .. ',"brand":' .. ARGV[4] .. '}')
redis.call('SADD', P .. 'brand-versions', ARGV[3])
return { 'saved', int(now) }
