-- Refresh with rotation: live refresh tokens from the file POOL, one a line; each answer's new one goes back to the end. What
-- is left is written back, so that the next run begins with live ones (those in flight at the end are lost).
-- TOKEN: path; BASIC.
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  pool, first, last, bad, sample = {}, 1, 0, 0, ''
  for line in io.lines(os.getenv('POOL')) do
    last = last + 1
    pool[last] = line
  end
  headers = { Authorization = 'Basic ' .. os.getenv('BASIC'), ['Content-Type'] = 'application/x-www-form-urlencoded' }
  path = os.getenv('TOKEN')
end
function request()
  local token = 'none left'
  if first <= last then
    token = pool[first]
    pool[first] = nil
    first = first + 1
  end
  return wrk.format('POST', path, headers, 'grant_type=refresh_token&refresh_token=' .. token)
end
function response(status, answered, text)
  local token = text:match('"refresh_token"%s*:%s*"([^"]+)"')
  if status == 200 and token and text:find('"id_token"', 1, true) then
    last = last + 1
    pool[last] = token
  else
    bad = bad + 1
    sample = status .. ' ' .. text:sub(1, 120)
  end
end
function done(summary, latency, rates)
  local failed, seen = 0, ''
  for _, thread in ipairs(threads) do
    failed = failed + thread:get('bad')
    seen = thread:get('sample')
    local kept, from, to = thread:get('pool'), thread:get('first'), thread:get('last')
    local file = io.open(os.getenv('POOL'), 'w')
    for index = from, to do file:write(kept[index], '\n') end
    file:close()
  end
  local errors = summary.errors
  failed = failed + errors.connect + errors.read + errors.write + errors.timeout
  if failed > 0 then io.write('SAMPLE ' .. seen .. '\n') end
  io.write(string.format('RESULT %d %.3f %d %d %d\n', summary.requests, summary.duration / 1e6, latency:percentile(50),
    latency:percentile(99), failed))
end
