// Required into a container (NODE_OPTIONS="--expose-gc --require …"): on SIGUSR2 it collects garbage, and tells what is left.
process.on("SIGUSR2", () => {
  global.gc();
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ msg: "memory", bytes: heapUsed + external })}\n`);
});
