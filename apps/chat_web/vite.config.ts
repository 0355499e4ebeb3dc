import { defineConfig } from "vitest/config";

const server = process.env.CHAT_SERVER ?? "http://localhost:5000";

export default defineConfig({
  build: {
    target: "es2022",
    // Every byte of ours is served by the service, under a policy that allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: {
      "/api": server,
      "/socket.io": { target: server, ws: true },
    },
  },
  test: { include: ["tests/**/*.test.ts"] },
});
