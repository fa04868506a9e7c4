import { Announcer } from "./Announcer";
import { CameraDayPage } from "./CameraDayPage";
import { CameraList } from "./CameraList";
import { useApp } from "./context";
import { EventDialog } from "./EventDialog";
import { EventList } from "./EventList";
import { Header } from "./Header";
import { LiveLater } from "./LiveLater";
import { SignIn, Starting } from "./SignIn";
import { WeakDetector } from "./WeakDetector";

export function App() {
  const { session, router } = useApp();
  const state = session.state.value;
  if (state === "starting") return <Starting />;
  if (state === "out") return <SignIn />;
  const route = router.route.value;
  const page = router.page.value;
  return (
    <>
      <Header />
      {page.name === "camera" && <CameraDayPage camera={page.camera} at={page.at} covered={route.name === "event"} />}
      {page.name === "live" && <LiveLater camera={page.camera} />}
      {page.name === "home" && (
        <main class="home">
          <WeakDetector />
          <CameraList />
          <EventList />
        </main>
      )}
      <Announcer />
      {route.name === "event" && <EventDialog id={route.id} />}
    </>
  );
}
