"""Scripts that read a log, and those that make it smaller. See `redis_scripts` for what a log is."""

from __future__ import annotations

from arqonbus.storage.redis_scripts import POSITION, Script

__all__ = ["CATCH_UP", "READ", "TAIL", "TRIM"]

CATCH_UP = Script(
    "catch_up",
    POSITION
    + """
local log, from, most = KEYS[1], ARGV[1], tonumber(ARGV[2])
local out, size, n, last = { false }, 0, 0, nil
while n < most and size < tonumber(ARGV[3]) do
  local count = math.min(64, most - n)
  local rows = redis.call('XRANGE', log, from, '+', 'COUNT', count)
  for _, row in ipairs(rows) do
    local f = row[2]
    size, n, last = size + #f[6], n + 1, row[1]
    out[#out + 1] = row[1]
    out[#out + 1] = f[2]
    out[#out + 1] = f[6]
  end
  if #rows < count then
    if not last then last = select(3, top_of(log)) end
    out[1] = last or ''
    return out
  end
  from = '(' .. last
end
return out
""",
    n_keys=1,
)
"""Read on from a position, itself included. Keys: log. Args: 1 id, 2 most entries, 3 bytes of text after which to stop.
Answer: newest id of the log (nil: there is more to read; empty: there is no log), then id, mark and text of each entry.
"""

TAIL = Script(
    "tail",
    POSITION
    + """
local log = KEYS[1]
local rows = redis.call('XREVRANGE', log, '+', '-', 'COUNT', ARGV[1])
local top = #rows > 0 and rows[1][1] or select(3, top_of(log))
local out, size = { top or '' }, 0
for _, row in ipairs(rows) do
  local f = row[2]
  size = size + #f[6]
  if size > tonumber(ARGV[2]) and ARGV[3] == '1' then break end
  out[#out + 1] = row[1]
  out[#out + 1] = f[2]
  out[#out + 1] = f[8] or ''
  out[#out + 1] = ARGV[3] == '1' and f[6] or ''
end
return out
""",
    n_keys=1,
)
"""Read the newest entries, newest first. Keys: log. Args: 1 most entries, 2 most bytes of text, 3 whether texts are
wanted (1, 0). Answer: newest id (empty: there is no log), then id, mark, id of before (empty: none) and text of
each entry.
"""

_TRIM = """
-- Groups may still need what is newer than the oldest that one of them has in work or has not had.
local function floor_of(log)
  local floor
  for _, g in ipairs(redis.call('XINFO', 'GROUPS', log)) do
    local x = {}
    for i = 1, #g, 2 do x[g[i]] = g[i + 1] end
    local pending = redis.call('XPENDING', log, x['name'])
    local epoch, seq = string.match(pending[2] or x['last-delivered-id'], '^(%d+)-(%d+)$')
    if not pending[2] then seq = text_of(tonumber(seq) + 1) end
    if not floor or tonumber(epoch) < floor[1] or (tonumber(epoch) == floor[1] and tonumber(seq) < floor[2]) then
      floor = { tonumber(epoch), tonumber(seq) }
    end
  end
  return floor
end

-- The seq of the oldest entry of the newest epoch that is not older than the cutoff; one more than the top: none.
-- Times grow with seqs, but for what clocks of two nodes differ: a search by halves.
local function young_from(log, epoch, first, last, cutoff)
  local low, high = first, last + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local row = redis.call('XRANGE', log, text_of(epoch) .. '-' .. text_of(middle), '+', 'COUNT', 1)[1]
    if row and tonumber(row[2][4]) < cutoff then low = middle + 1 else high = middle end
  end
  return low
end

-- The seq of the oldest of the newest entries whose texts are within a number of bytes.
local function fits_from(log, epoch, first, last, most)
  local from, size = last + 1, 0
  while from > first do
    local to = text_of(epoch) .. '-' .. text_of(from - 1)
    for _, row in ipairs(redis.call('XREVRANGE', log, to, text_of(epoch) .. '-0', 'COUNT', 64)) do
      size = size + #row[2][6]
      if size > most then return from end
      from = from - 1
    end
  end
  return from
end

-- Drop what is over a bound. Gives epoch, seq of the oldest kept (0: none), top.
local function trim(log, cutoff, keep, bytes)
  local epoch, top = top_of(log)
  if not epoch then return nil end
  local n = redis.call('XLEN', log)
  if n == 0 then return epoch, 0, top end
  local first = math.max(1, top - n + 1)
  local from = math.max(first, top - keep + 1)
  if keep == 0 or bytes == 0 then from = top + 1 end
  if from <= top and cutoff > 0 then
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if tonumber(oldest[2][4]) < cutoff then from = math.max(from, young_from(log, epoch, from, top, cutoff)) end
  end
  if from <= top then
    local used = redis.call('MEMORY', 'USAGE', log)    -- never less than the texts are
    if used > bytes then
      if top - from < 2000 then
        from = math.max(from, fits_from(log, epoch, from, top, bytes))
      else
        from = math.max(from, top - math.floor(n * bytes / used) + 1)
      end
    end
  end
  if from > first then
    local floor = floor_of(log)
    if floor and floor[1] == epoch then from = math.min(from, math.max(first, floor[2])) end
    if floor and floor[1] < epoch then from = first end
    redis.call('XTRIM', log, 'MINID', '=', text_of(epoch) .. '-' .. text_of(from))
  end
  return epoch, from <= top and from or 0, top
end
"""

TRIM = Script(
    "trim",
    POSITION
    + _TRIM
    + """
trim(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
if ARGV[4] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return redis.call('XLEN', KEYS[1])
""",
    n_keys=2,
)
"""Drop what is over a bound. Keys: log, note. Args: 1 time (ms) before which entries are too old, 2 most entries, 3
most bytes of text (above 2,000 entries: of memory), 4 ms that log and note live on (0: as before).
Answer: entries kept.
"""

READ = Script(
    "read",
    POSITION
    + _TRIM
    + """
local log = KEYS[1]
local epoch, first, top = trim(log, tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]))
if not epoch then return false end
local out = { text_of(epoch), first, top, 0 }
if first == 0 then return out end
local low = ARGV[1] == '' and first or math.max(first, tonumber(ARGV[1]) + 1)
local high = ARGV[2] == '' and top or math.min(top, tonumber(ARGV[2]) - 1)
local newest, limit, most = ARGV[3] == '1', tonumber(ARGV[4]), tonumber(ARGV[5])
local n, size, is_full = 0, 0, false
while low <= high and n < limit and not is_full do
  local from, to = text_of(epoch) .. '-' .. text_of(low), text_of(epoch) .. '-' .. text_of(high)
  local count = math.min(64, limit - n)
  local rows = newest and redis.call('XREVRANGE', log, to, from, 'COUNT', count)
    or redis.call('XRANGE', log, from, to, 'COUNT', count)
  if #rows == 0 then break end
  for _, row in ipairs(rows) do
    size = size + #row[2][6]
    if most > 0 and size > most and n > 0 then is_full = true break end
    n = n + 1
    out[#out + 1] = tonumber(string.match(row[1], '-(%d+)$'))
    out[#out + 1] = row[2][6]
    if newest then high = out[#out - 1] - 1 else low = out[#out - 1] + 1 end
  end
end
out[4] = low <= high and 1 or 0
return out
""",
    n_keys=1,
)
"""Drop what is over a bound, and read. Keys: log. Args: 1 seq to read after (empty: none), 2 seq to read before (empty:
none), 3 newest first (1, 0), 4 most entries, 5 bytes of text that may not be exceeded but by the first entry (0: none),
6 to 8 as 1 to 3 of TRIM.
Answer: epoch, seq of the oldest kept (0: none), top, whether there is more (1, 0), then seq and text of each entry;
nil: there is no log.
"""
