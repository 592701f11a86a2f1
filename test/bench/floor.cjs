// The floor: the official FDK with a handler that does nothing but echo.
require("@fnproject/fdk").handle((body) => JSON.parse(body), { inputMode: "buffer" });
