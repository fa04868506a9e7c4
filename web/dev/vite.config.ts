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
        server.middlewares.use((req, res, next) => void mock.handle(req, res).then((done) => done || next()));
      },
    },
  ],
});
