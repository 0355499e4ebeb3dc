/** The build of SweetAlert2 without styles in it has no types of its own. */
declare module "sweetalert2/dist/sweetalert2.esm.js" {
  export { default } from "sweetalert2";
}
