-- Sends the requests of a file one after another, over one thread's connections, and stops at the last answer.
-- The file: for each request its length in ten digits, and then its bytes.

local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int signal);")
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   requests, sent, got = {}, -1, 0 -- wrk asks for one that it does not send
   wanted = tonumber(args[2])
   while true do
      local length = file:read(10)
      if not length then break end
      table.insert(requests, file:read(tonumber(length)))
   end
   file:close()
end

function request()
   sent = sent + 1
   -- Once all are sent, connections that are free ask for what is not there until the others have their answers.
   return sent > #requests and "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" or requests[math.max(1, sent)]
end

function response(status)
   if status == wanted then got = got + 1 end
   if got == #requests then
      wrk.thread:stop()
      ffi.C.kill(ffi.C.getpid(), 2) -- else its main thread sleeps until the end of the time that it was given
   end
end

function done(summary, latency)
   local thread = threads[1]
   io.write(string.format(
      '{"got": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f}\n',
      thread:get("got"), summary.duration / 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
