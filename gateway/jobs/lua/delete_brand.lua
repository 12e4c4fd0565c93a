-- Delete a brand of a key.
--
-- KEYS[1] prefix
-- ARGV: 1 key id, 2 name, 3 ms that its files are kept, 4 account id
-- Returns 1, or 0 where there is none
--
-- Invariant: as in save_brand.lua; jobs that were ordered with it go on, since their orders hold what it said.

local brands = P .. 'brands:' .. ARGV[1]
local before = redis.call('HGET', brands, ARGV[2])
if not before then
  return 0
end
retire_brand(ARGV[4], cjson.decode(before).version, now_ms() + tonumber(ARGV[3]))
redis.call('HDEL', brands, ARGV[2])
return 1
