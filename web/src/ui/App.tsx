import { Announcer } from "./Announcer";
import { CameraList } from "./CameraList";
import { useApp } from "./context";
import { EventDialog } from "./EventDialog";
import { EventList } from "./EventList";
import { Header } from "./Header";
import { SignIn, Starting } from "./SignIn";
import { WeakDetector } from "./WeakDetector";

export function App() {
  const { session, router } = useApp();
  const state = session.state.value;
  if (state === "starting") return <Starting />;
  if (state === "out") return <SignIn />;
  const route = router.route.value;
  return (
    <>
      <Header />
      <main class="home">
        <WeakDetector />
        <CameraList />
        <EventList />
      </main>
      <Announcer />
      {route.name === "event" && <EventDialog id={route.id} />}
    </>
  );
}
