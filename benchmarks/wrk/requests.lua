-- Sends the requests of the file REQUESTS in turn, one a line: method, path, headers ("Name: value|Name: value"), body, with
-- tabs between. An answer is good if its status is STATUS (200) and its body has EXPECT in it.
local requests, count, turn = {}, 0, 0
local wanted, expect = tonumber(os.getenv('STATUS') or '200'), os.getenv('EXPECT') or ''
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  bad, sample = 0, ''
  for line in io.lines(os.getenv('REQUESTS')) do
    local method, path, lines, body = line:match('^([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$')
    local headers = {}
    for pair in lines:gmatch('[^|]+') do
      local name, value = pair:match('^([^:]+):%s*(.*)$')
      headers[name] = value
    end
    if body == '' then body = nil end
    count = count + 1
    requests[count] = wrk.format(method, path, headers, body)
  end
end
function request()
  turn = turn % count + 1
  return requests[turn]
end
function response(status, headers, body)
  if status ~= wanted or not body:find(expect, 1, true) then
    bad = bad + 1
    sample = status .. ' ' .. body:sub(1, 120)
  end
end
function done(summary, latency, rates)
  local failed, seen = 0, ''
  for _, thread in ipairs(threads) do
    failed = failed + thread:get('bad')
    seen = thread:get('sample')
  end
  local errors = summary.errors
  failed = failed + errors.connect + errors.read + errors.write + errors.timeout
  if failed > 0 then io.write('SAMPLE ' .. seen .. '\n') end
  io.write(string.format('RESULT %d %.3f %d %d %d\n', summary.requests, summary.duration / 1e6, latency:percentile(50),
    latency:percentile(99), failed))
end
