import { defineConfig } from "vite";
import { Mock } from "./mock";

// The app in the browser with nothing behind it but the mock.
export default defineConfig({
  plugins: [
    {
      name: "mock",
      configureServer(server) {
        const mock = new Mock();
        mock.populate(60);
        setInterval(() => mock.happen(), 15_000).unref();
        // Vite's own socket, for reloading, is none of ours. Live video is there while /gateway?camera=home.front-door is open.
        server.httpServer?.on("upgrade", (req, stream) => void mock.signaling.upgrade(req, stream));
        server.middlewares.use((req, res, next) => void mock.handle(req, res).then((done) => done || next()));
      },
    },
  ],
});
