"""Scripts: what must happen to a log in Redis in one step. Lua texts, and the answers of each in words.

A log is a stream whose entries' ids are ``<epoch>-<seq>``: history, counter and epoch in one. Its entries hold ``m``,
the mark that whoever appended gave it (never given twice), ``t``, the time in ms, ``d``, the text; and ``o``, its id
of before, if it was carried over into a new epoch. The newest id outlives the entries, so a position is never
given twice.

Epochs are microseconds of when they began, so a later one is larger. A log that went back in time (a promoted copy that
had not heard everything) is found out by marks, and carried over into a new epoch: what clients believed of the old one
is then visibly void.

Each ``redis.call`` costs about 1 us of Redis, more than all the Lua around it; that is what the texts are shaped by.
"""

from __future__ import annotations

from hashlib import sha1

from msgspec import Struct
from msgspec.structs import force_setattr

__all__ = ["APPEND", "BUMP", "DELETE", "OPEN", "POSITION", "Script"]


class Script(Struct, frozen=True):
    """One script. Called by the hash of its text, so that nodes of two versions never call each other's."""

    name: str
    text: str
    n_keys: int
    sha: str = ""  # what EVALSHA wants; made of the text

    def __post_init__(self) -> None:
        """Make the hash once: it is wanted for every call."""
        force_setattr(self, "sha", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


MOST_CARRIED = 10_000  # entries that a new epoch takes over: about 50 ms of Redis, once in the life of a failover

POSITION = """
local function text_of(n) return string.format('%.0f', n) end

-- The newest id ever given: epoch, seq, and both as text; nothing where there is no log.
local function top_of(log)
  if redis.call('EXISTS', log) == 0 then return nil end
  local x = redis.call('XINFO', 'STREAM', log)
  for i = 1, #x, 2 do
    if x[i] == 'last-generated-id' then
      local epoch, seq = string.match(x[i + 1], '^(%d+)-(%d+)$')
      return tonumber(epoch), tonumber(seq), x[i + 1]
    end
  end
end

-- An empty log at position 0: what is appended next becomes 1.
local function create(log, epoch)
  redis.call('XADD', log, epoch .. '-0', 'm', '')
  redis.call('XDEL', log, epoch .. '-0')
end
"""

_RENUMBER = (
    """
-- What each group of consumers had in work, under the numbers of the new epoch.
local function carry_groups(log, new_id, before)
  for _, g in ipairs(redis.call('XINFO', 'GROUPS', log)) do
    local name, last
    for i = 1, #g, 2 do
      if g[i] == 'name' then name = g[i + 1] elseif g[i] == 'last-delivered-id' then last = g[i + 1] end
    end
    local idle = {}
    for _, p in ipairs(redis.call('XPENDING', log, name, '-', '+', MOST)) do
      redis.call('XACK', log, name, p[1])
      if new_id[p[1]] then idle[#idle + 1] = p end
    end
    redis.call('XGROUP', 'SETID', log, name, before(last))
    for _, p in ipairs(idle) do
      redis.call('XCLAIM', log, name, p[2], 0, new_id[p[1]], 'IDLE', p[3], 'RETRYCOUNT', p[4], 'FORCE', 'JUSTID')
    end
  end
end

-- Carry a log over into another epoch, larger than its own: same entries, numbered from 1.
local function renumber(log, epoch)
  local rows = redis.call('XREVRANGE', log, '+', '-', 'COUNT', MOST)
  if #rows == 0 then redis.call('XSETID', log, epoch .. '-0') end
  local new_id, n = {}, 0
  for i = #rows, 1, -1 do
    local f = rows[i][2]
    n = n + 1
    new_id[rows[i][1]] = epoch .. '-' .. n
    redis.call('XADD', log, epoch .. '-' .. n, 'm', f[2], 't', f[4], 'd', f[6], 'o', rows[i][1])
  end
  local function before(id)  -- the new id of the newest entry that is not newer than the old id
    local epoch_of, seq_of = string.match(id, '^(%d+)-(%d+)$')
    for i = 1, #rows do
      local e, s = string.match(rows[i][1], '^(%d+)-(%d+)$')
      if tonumber(e) < tonumber(epoch_of) or (e == epoch_of and tonumber(s) <= tonumber(seq_of)) then
        return new_id[rows[i][1]]
      end
    end
    return epoch .. '-0'
  end
  carry_groups(log, new_id, before)
  redis.call('XTRIM', log, 'MINID', '=', epoch .. '-0')
  return epoch .. '-' .. n
end
"""
).replace("MOST", str(MOST_CARRIED))

APPEND = Script(
    "append",
    POSITION
    + _RENUMBER
    + """
local log, ids, ids_before = KEYS[1], KEYS[2], KEYS[3]
local feed, publish, keep, known, fresh = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local ttl, ids_ttl, now, tried = ARGV[6], ARGV[8], ARGV[9], ARGV[10]

-- Only the groups that stand on a log may say what goes from it: trimming would take from under them what they have
-- in work. So it grows, up to a bound.
local most = tonumber(ARGV[11])
local grouped = most ~= 0 and redis.call('EXISTS', KEYS[4]) == 1
if grouped and most < 0 then                           -- groups that do not last: the oldest go at the bound
  grouped, keep = false, text_of(math.max(tonumber(keep), -most))
elseif grouped and redis.call('XLEN', log) >= most then
  return redis.error_reply('FULL the groups of this log are too far behind')
end

local function put(mark, text)
  local id = known .. '-*'
  if grouped then return redis.pcall('XADD', log, 'NOMKSTREAM', id, 'm', mark, 't', now, 'd', text) end
  return redis.pcall('XADD', log, 'NOMKSTREAM', 'MAXLEN', '=', keep, id, 'm', mark, 't', now, 'd', text)
end

-- Append, whatever epoch the node believes in.
local function place(mark, text)
  local id = put(mark, text)
  if type(id) == 'string' and string.sub(id, -2) ~= '-0' then return id end
  if type(id) == 'table' then
    if not string.find(id.err, 'equal or smaller', 1, true) then return id end
    known = text_of(top_of(log))                       -- ours is older than the log's
  elseif not id then
    create(log, fresh)                                 -- there is none
    known = fresh
    redis.call('PEXPIRE', log, ttl)
  else
    redis.call('XDEL', log, id)                        -- ours is newer than the log's, which went back in time
    known = text_of(math.max(tonumber(fresh), tonumber(known) + 1))
    redis.call(publish, feed, '!bumped ' .. renumber(log, known))
  end
  return put(mark, text)
end

-- What an earlier attempt, whose answer was lost, may have appended after the position that the node knew then.
local found, is_sure = {}, true
if tried ~= '' then
  local top_epoch, top_seq, top = top_of(log)
  if top and (top_epoch > tonumber(known) or (top_epoch == tonumber(known) and top_seq > tonumber(tried))) then
    local rows = redis.call('XRANGE', log, '(' .. known .. '-' .. tried, '+', 'COUNT', 2000)
    for _, row in ipairs(rows) do found[row[2][2]] = row[1] end
    local first = #rows > 0 and rows[1][1]             -- all of what came since, or was some of it trimmed?
    local next_one = known .. '-' .. text_of(tonumber(tried) + 1)
    is_sure = #rows < 2000 and (first == next_one or (first and string.match(first, '^(%d+)') ~= known
      and string.match(first, '-(%d+)$') == '1'))
  end
end

local out, frames, n_keys = {}, {}, 0
for i = 12, #ARGV, 3 do
  local key, mark, text, seen = ARGV[i], ARGV[i + 1], ARGV[i + 2], false
  if found[mark] then
    seen = found[mark] .. ' ' .. mark
  elseif ids_ttl ~= '0' and key ~= '' then
    seen = redis.call('HGET', ids, key) or redis.call('HGET', ids_before, key)
  end
  if seen then
    out[#out + 1] = '=' .. seen
  elseif not is_sure then
    out[#out + 1] = '?'
  else
    local id = place(mark, text)
    if type(id) == 'table' then
      out[#out + 1] = '!' .. id.err
    else
      if ids_ttl ~= '0' and key ~= '' then
        redis.call('HSET', ids, key, id .. ' ' .. mark)
        n_keys = n_keys + 1
      end
      frames[#frames + 1] = id .. ' ' .. mark .. ' ' .. #text .. '\\n' .. text
      out[#out + 1] = id
    end
  end
end
if n_keys > 0 then redis.call('PEXPIRE', ids, ids_ttl) end
if ARGV[7] == '1' then redis.call('PEXPIRE', log, ttl) end
if #frames > 0 then redis.call(publish, feed, #frames == 1 and frames[1] or table.concat(frames)) end
return out
""",
    n_keys=4,
)
"""Append entries, and publish them with their positions.

Keys: log, ids of this window, ids of the window before (the same key thrice without dedupe), groups.
Args: 1 feed, 2 PUBLISH or SPUBLISH, 3 most entries kept, 4 epoch that the node believes in (0: none), 5 epoch to begin
with, 6 ms that the log lives on, 7 whether to say so to Redis now (1, 0), 8 ms that ids are known (0: no dedupe), 9 now
(ms), 10 seq that was the top before an attempt whose outcome is unknown (empty: this is the first), 11 most entries of
a log that groups stand on (0: none can; less than 0: so many at least are kept for them, instead of most
entries), then key, mark and text of each.
Answer: for each entry its id; or ``=id mark`` of the one that was there before; ``?``: it may be there, but can't be
looked for any more; ``!error``.
"""

OPEN = Script(
    "open",
    POSITION
    + """
local log, note = KEYS[1], KEYS[2]
local _, _, top = top_of(log)
local created = '0'
if not top then
  if ARGV[8] == '0' then return false end
  create(log, ARGV[1])
  top, created = ARGV[1] .. '-0', '1'
  redis.call('SET', note, ARGV[2])
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
  redis.call(ARGV[7], ARGV[6], '+' .. ARGV[4])
end
local stands = redis.call('GET', note)
if not stands then                                     -- a log that an append made, behind a deletion
  redis.call('SET', note, ARGV[2])
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
  stands = ARGV[2]
end
redis.call('PEXPIRE', log, ARGV[3])
redis.call('PEXPIRE', note, ARGV[3])
return { top, stands, created }
""",
    n_keys=3,
)
"""Give a log's newest id and its note; make it if there is none.

Keys: log, note, channels of the room. Args: 1 epoch to begin with, 2 note, 3 ms that the log lives on, 4 channel, 5 now
(ms), 6 feed of the room, 7 PUBLISH or SPUBLISH, 8 whether to make one (1, 0).
Answer: newest id, note that stands, whether it was made; nil: there is none.
"""

BUMP = Script(
    "bump",
    POSITION
    + _RENUMBER
    + """
local log, known = KEYS[1], tonumber(ARGV[3])
local epoch, _, top = top_of(log)
if top and epoch > known then return top end           -- another node was first
local fresh = text_of(math.max(tonumber(ARGV[4]), known + 1))
if top then
  top = renumber(log, fresh)
else
  create(log, fresh)
  top = fresh .. '-0'
end
redis.call('PEXPIRE', log, ARGV[5])
redis.call(ARGV[2], ARGV[1], '!bumped ' .. top)
return top
""",
    n_keys=1,
)
"""Begin a new epoch in a log that lost entries. Keys: log. Args: 1 feed, 2 PUBLISH or SPUBLISH, 3 epoch that is void, 4
epoch to begin with, 5 ms that the log lives on. Answer: the newest id then.
"""

DELETE = Script(
    "delete",
    """
local n = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[6], ARGV[1])
if n > 0 then
  redis.call(ARGV[4], ARGV[2], '!deleted')
  redis.call(ARGV[4], ARGV[3], '-' .. ARGV[1])
end
return n
""",
    n_keys=6,
)
"""Forget a log. Keys: log, note, groups, ids of this window and of the one before, channels of the room. Args: 1
channel, 2 feed of the log, 3 feed of the room, 4 PUBLISH or SPUBLISH. Answer: whether there was one (1, 0).
"""
